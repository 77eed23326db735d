plugins { java }
dependencies {
    implementation("com.openai:openai-java:0.8.0")
    implementation("org.springframework.ai:spring-ai-pgvector-store-spring-boot-starter:1.0.0-M3")
    testImplementation("org.junit.jupiter:junit-jupiter:5.11.0")
}
