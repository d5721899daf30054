"""What the lessons need and a library does not: panels, checks, figures, recorded runs."""
