// What it takes to be the shape of a Llama 2 model, and what follows from one.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "llama2/base/config.hpp"

namespace llama2::inline LLAMA2_ABI {

/// The largest head: attention holds a few on the stack.
inline constexpr std::size_t max_head_dim = 4096;

/// The longest context that a shape may state or a session reserve, in tokens.
inline constexpr std::size_t max_context = std::size_t{1} << 24;

/// The rules a shape obeys. Each is a template over the numbers concerned, so that the compiler's
/// message holds both: `dim_must_be_a_multiple_of_heads<100, 7>`.
namespace shape_rule {

/// Narrower or signed numbers would overflow or wrap unseen in what is computed from them.
template <class... Types>
inline constexpr bool are_all_size_t =
    (... && std::is_same_v<std::remove_cv_t<Types>, std::size_t>);

template <class Dim, class HiddenDim, class Layers, class Heads, class KvHeads, class Vocab,
          class Context>
struct numbers_must_be_of_type_size_t {
  static_assert(are_all_size_t<Dim, HiddenDim, Layers, Heads, KvHeads, Vocab, Context>,
                "llama2: bad shape: declare every number as `static constexpr std::size_t`");
};

template <std::size_t Dim>
struct dim_must_be_between_2_and_2_to_the_20 {
  static_assert(Dim >= 2 && Dim <= std::size_t{1} << 20, "llama2: bad shape: dim");
};
template <std::size_t HiddenDim>
struct hidden_dim_must_be_between_1_and_2_to_the_20 {
  static_assert(HiddenDim >= 1 && HiddenDim <= std::size_t{1} << 20,
                "llama2: bad shape: hidden_dim");
};
template <std::size_t Layers>
struct layers_must_be_between_1_and_1024 {
  static_assert(Layers >= 1 && Layers <= 1024, "llama2: bad shape: layers");
};
template <std::size_t Heads>
struct heads_must_be_at_least_1 {
  static_assert(Heads >= 1, "llama2: bad shape: heads");
};
template <std::size_t KvHeads>
struct kv_heads_must_be_at_least_1 {
  static_assert(KvHeads >= 1, "llama2: bad shape: kv_heads");
};
template <std::size_t Vocab>
struct vocab_must_be_between_4_and_2_to_the_24 {
  static_assert(Vocab >= 4 && Vocab <= std::size_t{1} << 24, "llama2: bad shape: vocab");
};
template <std::size_t Context>
struct context_must_be_between_1_and_2_to_the_24 {
  static_assert(Context >= 1 && Context <= std::size_t{1} << 24, "llama2: bad shape: context");
};
template <std::size_t Dim, std::size_t Heads>
struct dim_must_be_a_multiple_of_heads {
  static_assert(Dim % Heads == 0, "llama2: bad shape: every head has dim / heads elements");
};
template <std::size_t Heads, std::size_t KvHeads>
struct heads_must_be_a_multiple_of_kv_heads {
  static_assert(Heads % KvHeads == 0,
                "llama2: bad shape: every key/value head serves heads / kv_heads query heads");
};
template <std::size_t HeadDim>
struct head_dim_must_be_even {
  static_assert(HeadDim % 2 == 0,
                "llama2: bad shape: rotary embedding turns pairs of a head's elements");
};
template <std::size_t HeadDim>
struct head_dim_must_be_at_most_4096 {
  static_assert(HeadDim <= max_head_dim, "llama2: bad shape: dim / heads");
};

}  // namespace shape_rule

namespace detail {

/// Instantiates the rules in order, the first broken one last, so that the reader gets one error.
template <class S>
consteval bool obeys_shape_rules() {
  using namespace shape_rule;
  using std::size_t;
  using Numbers = numbers_must_be_of_type_size_t<
      std::remove_cv_t<decltype(S::dim)>, std::remove_cv_t<decltype(S::hidden_dim)>,
      std::remove_cv_t<decltype(S::layers)>, std::remove_cv_t<decltype(S::heads)>,
      std::remove_cv_t<decltype(S::kv_heads)>, std::remove_cv_t<decltype(S::vocab)>,
      std::remove_cv_t<decltype(S::context)>>;
  if constexpr (!are_all_size_t<decltype(S::dim), decltype(S::hidden_dim), decltype(S::layers),
                                decltype(S::heads), decltype(S::kv_heads), decltype(S::vocab),
                                decltype(S::context)>)
    return requires { sizeof(Numbers); } || true;
  else if constexpr (!(S::dim >= 2 && S::dim <= size_t{1} << 20))
    return requires { sizeof(dim_must_be_between_2_and_2_to_the_20<S::dim>); } || true;
  else if constexpr (!(S::hidden_dim >= 1 && S::hidden_dim <= size_t{1} << 20))
    return requires { sizeof(hidden_dim_must_be_between_1_and_2_to_the_20<S::hidden_dim>); } ||
           true;
  else if constexpr (!(S::layers >= 1 && S::layers <= 1024))
    return requires { sizeof(layers_must_be_between_1_and_1024<S::layers>); } || true;
  else if constexpr (S::heads < 1)
    return requires { sizeof(heads_must_be_at_least_1<S::heads>); } || true;
  else if constexpr (S::kv_heads < 1)
    return requires { sizeof(kv_heads_must_be_at_least_1<S::kv_heads>); } || true;
  else if constexpr (!(S::vocab >= 4 && S::vocab <= size_t{1} << 24))
    return requires { sizeof(vocab_must_be_between_4_and_2_to_the_24<S::vocab>); } || true;
  else if constexpr (!(S::context >= 1 && S::context <= size_t{1} << 24))
    return requires { sizeof(context_must_be_between_1_and_2_to_the_24<S::context>); } || true;
  else if constexpr (S::dim % S::heads != 0)
    return requires { sizeof(dim_must_be_a_multiple_of_heads<S::dim, S::heads>); } || true;
  else if constexpr (S::heads % S::kv_heads != 0)
    return requires { sizeof(heads_must_be_a_multiple_of_kv_heads<S::heads, S::kv_heads>); } ||
           true;
  else if constexpr (S::dim / S::heads % 2 != 0)
    return requires { sizeof(head_dim_must_be_even<S::dim / S::heads>); } || true;
  else if constexpr (S::dim / S::heads > max_head_dim)
    return requires { sizeof(head_dim_must_be_at_most_4096<S::dim / S::heads>); } || true;
  return true;
}

}  // namespace detail

/// A type whose static constants say how large a Llama 2 model is:
///
///   dim         width of the residual stream
///   hidden_dim  width of the feed-forward layer
///   layers      number of transformer blocks
///   heads       query heads; each has dim / heads elements
///   kv_heads    key/value heads; fewer than `heads` is grouped-query attention
///   vocab       number of token ids
///   context     tokens the model was trained to look back
///   tied_head   optional, default false: the output head is the token embedding
///   rope_theta  optional, default 10000: base of the rotary embedding where a file does not say
///
/// A shape that breaks a rule is refused with the rule's name and the numbers.
template <class S>
concept ModelShape = requires {
  { S::dim } -> std::convertible_to<std::size_t>;
  { S::hidden_dim } -> std::convertible_to<std::size_t>;
  { S::layers } -> std::convertible_to<std::size_t>;
  { S::heads } -> std::convertible_to<std::size_t>;
  { S::kv_heads } -> std::convertible_to<std::size_t>;
  { S::vocab } -> std::convertible_to<std::size_t>;
  { S::context } -> std::convertible_to<std::size_t>;
} && detail::obeys_shape_rules<S>();

/// Elements of one head.
template <ModelShape S>
inline constexpr std::size_t head_dim = S::heads == 0 ? 0 : S::dim / S::heads;

/// Elements of all key (or all value) heads together.
template <ModelShape S>
inline constexpr std::size_t kv_dim = S::kv_heads * head_dim<S>;

/// Whether the output head is the token embedding.
template <ModelShape S>
inline constexpr bool tied_head = [] {
  if constexpr (requires { S::tied_head; })
    return static_cast<bool>(S::tied_head);
  else
    return false;
}();

/// Base of the rotary embedding for files that do not state one.
template <ModelShape S>
inline constexpr float default_rope_theta = [] {
  if constexpr (requires { S::rope_theta; })
    return static_cast<float>(S::rope_theta);
  else
    return 10000.0f;
}();

}  // namespace llama2::inline LLAMA2_ABI
