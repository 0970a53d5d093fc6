"""What a shared replay comes to when parts of it fail. Run: python -m benchmarks.chaos.replay"""
