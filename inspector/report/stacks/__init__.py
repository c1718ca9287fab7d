"""Where a model was when something was raised, or stands still."""
