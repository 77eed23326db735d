package com.example;

public class Builder {
    private String modelName;
    public Builder modelName(String name) { this.modelName = name; return this; }
    public static Builder of() { return new Builder().modelName("Ford Focus"); }
}
