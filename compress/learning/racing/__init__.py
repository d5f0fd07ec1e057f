"""Which method of distillation serves these data: a race on the validation part, and a control."""
