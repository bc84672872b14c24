"""What a test says of a finding, in words."""

from qc.rules.falsify.finding import Finding


def filled(text: str, finding: Finding) -> str:
    """The sentence of a test with the figures of a finding; as it stands if it names others.

    Worked example: "{hours:g} h above PM10" with hours = 3 → "3 h above PM10".
    """
    figures = {
        "statistic": round(finding.statistic, 4),
        "threshold": round(finding.threshold, 4),
        "p": finding.p,
        **finding.figures,
    }
    try:
        return text.format_map(figures)
    except (KeyError, ValueError, IndexError):
        return text
