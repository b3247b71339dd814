"""How close a synthetic set is to a real one: `suite.assess` measures, `verdict.verdict` judges."""
