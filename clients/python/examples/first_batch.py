"""Send a batch, read it back, keep its receipt: `. ./NAME.env && python first_batch.py`.

Shows what to do with each row that was not simply accepted, and with a refusal.
"""

import json
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from jianzhen_client import Problem, from_environment

CHINA = timezone(timedelta(hours=8))
SITE, SOURCE, FACTOR = os.environ["JZ_SITE"], os.environ["JZ_SOURCE"], os.environ["JZ_FACTOR"]
SERIES = int(os.environ["JZ_SERIES"])


def main() -> None:
    ended = datetime.now(CHINA).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    hours = [ended - timedelta(hours=back) for back in range(3)]
    rows = [
        {"site": SITE, "factor": FACTOR, "time": hour.isoformat(), "value": 40.0 + at}
        for at, hour in enumerate(hours)
    ]
    with from_environment() as jianzhen:
        # Sent again after a broken connection without being doubled: every try has the same Idempotency-Key.
        answer = jianzhen.ingest.send_observations({"source": SOURCE, "rows": rows})
        for row in answer["rows"]:
            print(f"row {row['row']}: {row['rule']}: {row['what']}")
        print(f"{answer['accepted']} accepted, {answer['repeated']} repeated, {answer['refused']} refused")

        for value in jianzhen.ingest.all_observations(SERIES, from_=hours[-1].isoformat()):
            print(f"{value['ts']} {FACTOR} {value['value']}")

        begun = time.monotonic()
        receipt = jianzhen.ingest.show_receipt(answer["submission"])
        Path("receipt.json").write_text(json.dumps(receipt), encoding="utf-8")
        print(f"receipt after {time.monotonic() - begun:.1f} s")

        try:
            jianzhen.ingest.send_observations({"source": SOURCE, "rows": [{**rows[0], "value": "bad"}]})
        except Problem as problem:
            print(f"{problem.status} {problem.slug}: {problem.errors[0]['what']}")


if __name__ == "__main__":
    main()
