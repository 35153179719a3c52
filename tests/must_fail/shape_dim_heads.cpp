// expect: dim_must_be_a_multiple_of_heads<100(U?L)*, 7(U?L)*>
#include "llama2/shape/memory_plan.hpp"

struct Shape {
  static constexpr std::size_t dim = 100, hidden_dim = 4, layers = 1, heads = 7, kv_heads = 1,
                               vocab = 8, context = 8;
};

template <llama2::ModelShape S>
struct Model {};

Model<Shape> model;
