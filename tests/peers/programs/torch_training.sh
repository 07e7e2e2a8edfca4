# shellcheck shell=bash
# a small convolutional network trained on the CPU with two threads, and large matrix products

version() {
  /usr/bin/python3 -c 'import torch; print("torch", torch.__version__)' 2>/dev/null || {
    echo "/usr/bin/python3 has no torch"
    exit 1
  }
}

run() {
  cat >program.py <<'END'
import hashlib
import torch

def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()[:32]

torch.manual_seed(1)
torch.set_num_threads(2)
torch.use_deterministic_algorithms(True)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32 * 16 * 16, 10))
optimizer = torch.optim.Adam(network.parameters(), 1e-3)
for step in range(20):
    images, labels = torch.rand(64, 3, 32, 32), torch.randint(10, (64,))
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(images), labels)
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        print(step, f"{loss.item():.5f}")
torch.save(network.state_dict(), "network.pt")
again = torch.load("network.pt")
print(all(torch.equal(value, again[name]) for name, value in network.state_dict().items()))
grown = torch.empty(0)
for step in range(200):
    grown = torch.cat([grown, torch.rand(10_000)])
print(digest(grown), digest(grown.sort().values))
print(f"{(torch.rand(700, 900) @ torch.rand(900, 800)).sum().item():.0f}")
END
  /usr/bin/python3 program.py
}
