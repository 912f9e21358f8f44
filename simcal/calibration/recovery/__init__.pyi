from .folder import load_recovery as load_recovery
from .report import write_recovery_report as write_recovery_report
from .result import RecoveryResult as RecoveryResult
from .run import run_recovery as run_recovery
