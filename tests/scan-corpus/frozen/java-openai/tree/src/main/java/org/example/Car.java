package org.example;
record Car(String model) { static Car of() { return new Car("o3-roadster"); } }
