from .report import write_study_report as write_study_report
from .result import StudyResult as StudyResult
from .result import load_study as load_study
from .run import run_study as run_study
from .theory import Theory as Theory
