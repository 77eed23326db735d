package com.example;

import dev.langchain4j.model.chat.ChatLanguageModel;
import dev.langchain4j.model.openai.OpenAiChatModel;

public class Claims {
    private static final String MODEL = "gpt-4o";
    // OpenAiChatModel.builder().modelName("gpt-4").build();
    private final ChatLanguageModel model = OpenAiChatModel.builder()
            .baseUrl("http://gateway.internal:8080/v1")
            .apiKey(System.getenv("OPENAI_API_KEY"))
            .modelName(MODEL)
            .build();

    public String triage(String claim) {
        return model.generate("Triage this claim: " + claim);
    }
}
