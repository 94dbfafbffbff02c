"""What presidio finds in texts; runs in presidio's own environment, not in the tests'.

    python reference.py TEXTS.json OUTPUT.json

Only its patterns and checksums run, each alone, without a model of spaCy. The output has, for each
text, the spans of each kind: label, start, end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import tldextract

# By default, it fetches the list of domains when it is called first.
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())

from presidio_analyzer.predefined_recognizers import (  # noqa: E402
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UrlRecognizer,
    UsSsnRecognizer,
)

RECOGNIZERS = (
    ("email", "EMAIL_ADDRESS", EmailRecognizer()),
    ("card", "CREDIT_CARD", CreditCardRecognizer()),
    ("iban", "IBAN_CODE", IbanRecognizer()),
    ("ip_address", "IP_ADDRESS", IpRecognizer()),
    ("phone", "PHONE_NUMBER", PhoneRecognizer(supported_regions=("US",))),
    ("url", "URL", UrlRecognizer()),
    ("social_security_number", "US_SSN", UsSsnRecognizer()),
)


def main(texts_file: Path, output: Path) -> None:
    """Write the spans of every text of a file."""
    texts = json.loads(texts_file.read_text(encoding="utf-8"))
    found = [
        sorted(
            {
                (label, span.start, span.end)
                for label, entity, recognizer in RECOGNIZERS
                for span in recognizer.analyze(text, [entity], None) or []
            }
        )
        for text in texts
    ]
    output.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
