"""Blind signing, verification and sealing per second and core.

The rival for signing is OpenSSL's own RSA-PSS signature of the same size (it also blinds its base and uses
the
Chinese remainder theorem); blind signing adds a fault check and cannot use OpenSSL, which offers no raw RSA.

    python bench/crypto.py [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from participation.access import blind, sealing


def rate(work: Callable[[], Any], seconds: float) -> float:
    """Runs per second of processor time in this process."""
    runs, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        work()
        runs += 1
    return runs / (time.process_time() - begin)


def measure(seconds: float) -> list[dict[str, Any]]:
    key = blind.generate()
    started = blind.start(key.public)
    token = blind.finish(key.public, started, blind.blind_sign(key, started.blinded))
    openssl = serialization.load_der_private_key(blind.private_bytes(key), None)
    scheme = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
    _, public = sealing.new_pair()
    plain = b'{"a":"1"}' * 160
    rows = [
        ("crypto.signatures_per_s", lambda: blind.blind_sign(key, started.blinded), 250),
        ("crypto.verifications_per_s", lambda: blind.verify(key.public, token), None),
        ("crypto.blindings_per_s", lambda: blind.start(key.public), None),
        ("crypto.seals_per_s", lambda: sealing.seal(public, plain, b"context"), None),
    ]
    rival = rate(lambda: openssl.sign(b"message", scheme, hashes.SHA384()), seconds)
    results = []
    for metric, work, aim in rows:
        value = rate(work, seconds)
        signing = metric == "crypto.signatures_per_s"
        results.append(
            {
                "bench": "crypto",
                "metric": metric,
                "value": round(value, 1),
                "unit": "1/s per core",
                "aim": aim,
                "rival": "OpenSSL RSA-PSS 3072 signature" if signing else None,
                "rival_value": round(rival, 1) if signing else None,
                "ratio": round(value / rival, 3) if signing else None,
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            }
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = measure(0.5 if options.quick else 3.0)
    for row in results:
        beside = f"  ({row['rival']}: {row['rival_value']}, ratio {row['ratio']})" if row["rival"] else ""
        print(f"{row['metric']:32} {row['value']:10.1f} {row['unit']}{beside}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
