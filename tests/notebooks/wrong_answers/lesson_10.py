"""Wrong answers to lesson 10, as a learner would write them: exercise -> (source, mistake)."""

WRONG: dict[str, list[tuple[str, str]]] = {
    "adapter_numbers": [
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    return 4 * geometry.layers * geometry.hidden * bottleneck",
            "no biases",
        ),
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    h, m = geometry.hidden, bottleneck\n"
            "    return geometry.layers * (h * m + m + m * h + h)",
            "one adapter a layer",
        ),
        (
            "def adapter_numbers(bottleneck, geometry):\n"
            "    return 2 * geometry.layers * bottleneck * (geometry.hidden + 1)",
            "one map",
        ),
    ],
    "frontier": [
        (
            "def frontier(points):\n"
            "    top = max(accuracy for _, _, accuracy in points)\n"
            "    return [name for name, _, accuracy in points if accuracy == top]",
            "the best alone",
        ),
        (
            "def frontier(points):\n"
            "    def beaten(cost, accuracy):\n"
            "        return any(c < cost and a > accuracy for _, c, a in points)\n"
            "    return [name for name, cost, accuracy in points if not beaten(cost, accuracy)]",
            "better in both",
        ),
        (
            "def frontier(points):\n"
            "    kept = []\n"
            "    for name, cost, accuracy in points:\n"
            "        others = [p for p in points if p[0] != name]\n"
            "        if not any(c <= cost and a >= accuracy for _, c, a in others):\n"
            "            kept.append(name)\n"
            "    return kept",
            "equals beat each other",
        ),
        (
            "def frontier(points):\n"
            "    low = min(cost for _, cost, _ in points)\n"
            "    return [name for name, cost, _ in points if cost == low]",
            "cheapest alone",
        ),
    ],
    "largest_batch": [
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - 12 * trained) // activations)",
            "the numbers themselves",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - 8 * trained) // activations)",
            "no moments",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return max(0, (memory - trained - trained - 2 * trained) // activations)",
            "numbers for bytes",
        ),
        (
            "def largest_batch(memory, activations, trained):\n"
            "    return (memory - 16 * trained) // activations",
            "below zero",
        ),
    ],
}
