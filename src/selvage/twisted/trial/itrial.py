"""`twisted.trial.itrial`: interfaces of reporters and test cases."""

from selvage.testing.trial.itrial import (
    IReporter as IReporter,
    IReporterWithDurations as IReporterWithDurations,
    ITestCase as ITestCase,
    ITestCaseVar as ITestCaseVar,
)
