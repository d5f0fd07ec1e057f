"""What is taught: where a student's network starts from and which images it takes."""
