STEP_METHODS = ("mse", "gaussian")
