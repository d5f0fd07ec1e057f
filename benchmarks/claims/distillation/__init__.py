"""What distillation gains over a control, by method and by teacher."""
