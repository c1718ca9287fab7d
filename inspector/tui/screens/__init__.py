"""What lies over the app for a while: help, pickers, forms and questions."""
