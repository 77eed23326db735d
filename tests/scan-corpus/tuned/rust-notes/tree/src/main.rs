use async_openai::{config::OpenAIConfig, types::CreateChatCompletionRequestArgs, Client};

const MODEL: &str = "gpt-4o";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = OpenAIConfig::new().with_api_base("https://llm.example.org/v1");
    let client = Client::with_config(config);
    let request = CreateChatCompletionRequestArgs::default().model(MODEL).max_tokens(200u32).build()?;
    let response = client.chat().create(request).await?;
    // let legacy = CreateChatCompletionRequestArgs::default().model("text-davinci-003");
    println!("{:?}", response.choices.first());
    Ok(())
}

#[cfg(test)]
mod tests {
    struct Client;
    impl Client { fn model(self, _: &str) -> Self { self } }
    #[test]
    fn chain() { Client.model("mock"); }
}
