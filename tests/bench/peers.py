def measure(seconds):
    return {"ours": {}, "theirs": {}, "version": ""}
