resource "aws_sagemaker_notebook_instance" "lab" {
  name                   = "lab"
  instance_type          = "ml.t3.medium"
  role_arn               = aws_iam_role.lab.arn
  direct_internet_access = "Enabled"
  root_access            = "Enabled"
}

resource "aws_sagemaker_endpoint" "scoring" {
  name                 = "scoring"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.scoring.name
}

resource "aws_sagemaker_endpoint_configuration" "scoring" {
  name        = "scoring"
  kms_key_arn = aws_kms_key.ml.arn
  production_variants {
    variant_name           = "a"
    model_name             = "churn-xgb"
    initial_instance_count = 1
    instance_type          = "ml.m5.large"
  }
}

resource "aws_bedrockagent_agent" "helper" {
  agent_name              = "helper"
  agent_resource_role_arn = aws_iam_role.agent.arn
  foundation_model        = "anthropic.claude-3-5-sonnet-20240620-v1:0"
}

resource "aws_instance" "web" {
  ami           = "ami-123"
  instance_type = "t3.micro"
}
