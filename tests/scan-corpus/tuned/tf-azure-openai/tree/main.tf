resource "azurerm_resource_group" "ai" {
  name     = "rg-ai"
  location = "westeurope"
}

resource "azurerm_cognitive_account" "openai" {
  name                          = "contoso-openai"
  resource_group_name           = azurerm_resource_group.ai.name
  location                      = "westeurope"
  kind                          = "OpenAI"
  sku_name                      = "S0"
  custom_subdomain_name         = "contoso-openai"
  public_network_access_enabled = true
}

resource "azurerm_cognitive_deployment" "chat" {
  name                 = "chat"
  cognitive_account_id = azurerm_cognitive_account.openai.id
  model {
    format  = "OpenAI"
    name    = "gpt-4o"
    version = "2024-08-06"
  }
}

# resource "azurerm_cognitive_deployment" "old" { model { name = "gpt-35-turbo" } }

resource "azurerm_search_service" "docs" {
  name                          = "contoso-docs"
  resource_group_name           = azurerm_resource_group.ai.name
  location                      = "westeurope"
  sku                           = "standard"
  local_authentication_enabled  = false
  public_network_access_enabled = false
}

resource "azurerm_storage_account" "logs" {
  name                          = "contosologs"
  public_network_access_enabled = true
}
