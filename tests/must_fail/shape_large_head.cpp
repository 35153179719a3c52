// expect: head_dim_must_be_at_most_4096<8192(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 16384, hidden_dim = 4, layers = 1, heads = 2, kv_heads = 2,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
