variable "model" {
  description = "The car model, not a language model"
  default     = "golf"
}
