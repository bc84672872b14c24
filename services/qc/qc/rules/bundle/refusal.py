"""Why a rule pack is refused, in Chinese and English, with what to do."""


class BadPack(ValueError):
    """A pack that must not judge. `reason` is one of a closed list (docs/rule-packs.md), for programs.

    Worked example: BadPack("expired", "规则包已于…失效", "the pack expired on …").
    """

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.reason, self.zh, self.en = reason, zh, en
