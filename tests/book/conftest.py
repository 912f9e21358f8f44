"""The slow, obvious book and market stand beside the tests, which import them by name."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
