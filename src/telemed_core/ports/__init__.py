"""What the use cases need from the world; every sentence here is a promise that each adapter is tested for."""
