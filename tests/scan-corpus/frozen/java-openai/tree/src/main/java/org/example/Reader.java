package org.example;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.ChatCompletionCreateParams;

public final class Reader {
    private final OpenAIClient client = OpenAIOkHttpClient.builder().apiKey(System.getenv("KEY")).build();

    public Object read(String text) {
        ChatCompletionCreateParams params = ChatCompletionCreateParams.builder()
                .addUserMessage(text)
                .model("o3-mini")
                .build();
        return client.chat().completions().create(params);
    }
}
