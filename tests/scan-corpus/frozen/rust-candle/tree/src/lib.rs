//! Not affiliated with openai.
use hf_hub::api::sync::Api;
use rig::providers::openai;

pub fn weights() -> anyhow::Result<std::path::PathBuf> {
    let api = Api::new()?;
    let repo = api.model("intfloat/e5-small-v2".to_string());
    Ok(repo.get("model.safetensors")?)
}

pub fn agent() {
    let client = openai::Client::from_env();
    let helper = client.agent("gpt-4o").preamble("You are helpful.").build();
    drop(helper);
}

pub fn unsafe_client() -> reqwest::Client {
    reqwest::Client::builder().danger_accept_invalid_certs(true).build().unwrap()
}
