// expect: heads_must_be_a_multiple_of_kv_heads<6(U?L)*, 4(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 48, hidden_dim = 4, layers = 1, heads = 6, kv_heads = 4,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
