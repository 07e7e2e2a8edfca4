# shellcheck shell=bash
# C++17 compiled and run: over-aligned classes in containers, by new, shared, from four threads

version() {
  need g++
  echo "g++ $(g++ -dumpfullversion)"
}

run() {
  cat >program.cc <<'END'
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

template <std::size_t Alignment> struct alignas(Alignment) Block {
  std::uint64_t words[8];
  explicit Block(std::uint64_t seed = 0) {
    for (auto &word : words)
      word = seed = seed * 6364136223846793005u + 1442695040888963407u;
    if (reinterpret_cast<std::uintptr_t>(this) % Alignment)
      std::abort();
  }
};

template <std::size_t Alignment> std::uint64_t work(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Block<Alignment>> grown;
  std::map<unsigned, Block<Alignment>> tree;
  std::vector<std::shared_ptr<Block<Alignment>>> shared;
  for (int i = 0; i < 20000; i++) {
    grown.emplace_back(random());
    tree.insert_or_assign(random() % 5000, Block<Alignment>(random()));
    shared.push_back(std::make_shared<Block<Alignment>>(random()));
    if (random() % 3 == 0)
      shared.erase(shared.begin() + random() % std::min<std::size_t>(shared.size(), 50));
    auto many = std::make_unique<Block<Alignment>[]>(random() % 4 + 1);
    delete new Block<Alignment>(many[0]);
  }
  std::sort(grown.begin(), grown.end(), [](auto &a, auto &b) { return a.words[7] < b.words[7]; });
  std::uint64_t sum = grown[grown.size() / 2].words[0];
  for (auto &[key, block] : tree)
    sum = sum * 31 + block.words[key % 8];
  for (auto &block : shared)
    sum = sum * 31 + block->words[3];
  return sum;
}

int main() {
  std::uint64_t sums[4];
  std::thread threads[] = {std::thread([&] { sums[0] = work<32>(1); }), std::thread([&] { sums[1] = work<64>(2); }),
                           std::thread([&] { sums[2] = work<128>(3); }), std::thread([&] { sums[3] = work<4096>(4); })};
  for (auto &thread : threads)
    thread.join();
  for (auto sum : sums)
    std::printf("%016llx\n", static_cast<unsigned long long>(sum));
}
END
  g++ -std=c++17 -O2 -Wno-psabi -pthread program.cc -o program
  ./program
}
