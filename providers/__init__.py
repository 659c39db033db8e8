"""Knowledge of vendors, without input or output: builds requests and reads responses."""
