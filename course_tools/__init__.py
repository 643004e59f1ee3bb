"""What runs the course: checks, exercises, capstone, long runs, lessons, plots and sliders."""
