"""Known weaknesses in the pinned packages: `python -m tools.audit`. Needs the open internet, and says so."""

import subprocess
import sys

UNREACHABLE = (
    "ConnectionError",
    "Max retries exceeded",
    "Name or service not known",
    "ServiceError",
    "timed out",
)


def main() -> int:
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "-r", "requirements.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        print("Not audited: pip-audit asks the package index and needs the open internet.")
        return 2
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
