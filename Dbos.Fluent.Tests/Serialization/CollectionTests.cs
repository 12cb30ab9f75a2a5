using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>Collections and maps come back as they were, or are refused when they are written.</summary>
public sealed class CollectionTests
{
    private readonly PayloadSerializer serializer = new();

    public static TheoryData<PayloadFormat> Formats => [PayloadFormat.MessagePack, PayloadFormat.PortableJson];

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_value_tuple_as_a_key_is_refused(PayloadFormat format)
    {
        Refused("list of key and value", new Dictionary<object, object> { [(1, 2)] = 1 }, format);
        Refused("keys", new Hashtable { [(1, 2)] = 1 }, format);
        var own = new Dictionary<(int, int), int> { [(1, 2)] = 1 };
        var why = format == PayloadFormat.MessagePack ? "list of key and value" : "no portable form";
        Refused(why, own, format);
        Refused(why, new Holder<Dictionary<(int, int), int>>(own), format);
    }

    [Fact]
    public void A_stored_key_is_not_read_as_a_value_tuple()
    {
        var stored = new Payload("""{"(1, 2)":1}""", PayloadSerializer.PortableFormat);

        var failed = Assert.Throws<SerializationFailedException>(() => serializer.Decode(stored, typeof(Dictionary<(int, int), int>)));

        Assert.Contains("list of key and value", failed.Message);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Keys_without_a_declared_type_are_refused(PayloadFormat format)
    {
        Refused("use Dictionary<TKey, TValue>", new Hashtable { [5] = 1 }, format);
        Refused("use Dictionary<TKey, TValue>", new Holder<IDictionary>(new Hashtable { [5] = 1 }), format);
        Refused("list of key and value", new Dictionary<object, int> { [5] = 1 }, format);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_stack_keeps_its_order(PayloadFormat format)
    {
        Same(new Stack<int>([1, 2, 3]), format);
        Same(new ConcurrentStack<string>(["a", "b"]), format);
        Same(ImmutableStack.Create(1, 2, 3), format);
        Same<IImmutableStack<decimal>>(ImmutableStack.Create(1.0m, 2.00m), format);
        Same(new Stack<(int, Stack<int>)>([(1, new([1, 2])), (2, new([]))]), format);
        Same(new Holder<Stack<int>?>(null), format);
        Assert.Equal(
            ["3", "2"],
            Assert.IsType<Holder<Stack<string>>>(RoundTrip(new Holder<Stack<string>>(new(["2", "3"])), format)).Value);
        Refused("reverse order", new Stack(new[] { 1, 2 }), format);
        Refused("reverse order", new Pile { 1 }, format);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_a_get_only_collection_holds_comes_back_once(PayloadFormat format)
    {
        var cart = new Cart([7]) { Owner = "o" };
        cart.Items.AddRange([1, 2]);
        cart.Names.Add("b");
        cart.ByName["a"] = 3;

        var back = RoundTrip(cart, format);

        Assert.Equal([0, 1, 2], back.Items);
        Assert.Equal(["b"], back.Names);
        Assert.Equal(3, back.ByName["A"]);
        Assert.Equal([7], back.Seed);
        Assert.Equal([7], back.FromConstructor);
        Assert.Equal([0, 1, 2], back.Settable);
        Assert.Equal([1], back.Fixed);
        Assert.Equal([0, 1, 2], back.Computed);
        Assert.Equal([5], RoundTrip(new OnlyItems { Items = { 5 } }, format).Items);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_member_that_only_its_own_type_can_set_is_refused_unless_it_says_so(PayloadFormat format)
    {
        var refused = Refused("[JsonInclude]", new Hidden { Open = 1 }, format);

        Assert.Contains("'Count'", refused.Message);
        Assert.Equal(4, RoundTrip(Included.Of(4), format).Count);
        Assert.Equal(5, RoundTrip(new ByConstructor(5) { Other = 1 }, format).Count);
        Assert.Equal(new Computing(3), RoundTrip(new Computing(3), format));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_collection_with_data_of_its_own_is_refused(PayloadFormat format)
    {
        var refused = Refused("side by side in a record", new Basket { 1 }, format);

        Assert.Contains("'Owner'", refused.Message);
        Refused("'Owner'", new Prices { ["a"] = 1 }, format);
        Refused("'Note'", new Noted { 1 }, format);
        Refused("'Owner'", new Holder<List<Basket>>([[1]]), format);
        Same(new Plain { 1, 2 }, format);
        Same(new Counted { "a" }, format);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_collection_that_could_never_be_read_is_refused(PayloadFormat format)
    {
        Refused("never be read", new Holder<FrozenSet<int>>(new[] { 1 }.ToFrozenSet()), format);
        Refused("never be read", new ReadOnlyCollection<int>([1]), format);
        Refused("never be read", new BitArray(3), format);
        Refused("never be read", ((int, ReadOnlyCollection<int>)?)(1, new([1])), format);
        Refused("never be read", new Dictionary<string, List<ReadOnlyCollection<int>>>(), format);
        Assert.NotNull(serializer.Encode(null, typeof(ReadOnlyCollection<int>), format).Text);
        Assert.NotNull(serializer.Encode(new ReadOnlyCollection<int>([1]), typeof(object), format).Text);
        Assert.Equal([1], ((IEnumerable<int>)serializer.Decode(
            serializer.Encode(new ReadOnlyCollection<int>([1]), typeof(IEnumerable<int>), format), typeof(IEnumerable<int>))!));
    }

    [Fact]
    public void An_argument_for_code_elsewhere_need_not_be_readable_here() =>
        Assert.Equal(
            """{"positionalArgs":[[1]],"namedArgs":{}}""",
            serializer.EncodeArguments([new ReadOnlyCollection<int>([1])], new Dictionary<string, object?>()).Text);

    [Fact]
    public void Half_a_surrogate_pair_as_a_key_is_refused()
    {
        Refused("half a surrogate pair", new Dictionary<char, int> { ['\ud800'] = 1 }, PayloadFormat.MessagePack);
        Same(new Dictionary<char, int> { ['é'] = 1 }, PayloadFormat.MessagePack);
    }

    private SerializationFailedException Refused<T>(string why, T value, PayloadFormat format)
    {
        var refused = Assert.Throws<SerializationFailedException>(() => serializer.Encode(value, value!.GetType(), format));
        Assert.Contains(why, refused.Message);
        return refused;
    }

    private void Same<T>(T value, PayloadFormat format) => Assert.Equal(ExactText.Of(value), ExactText.Of(RoundTrip(value, format)));

    private T RoundTrip<T>(T value, PayloadFormat format) =>
        (T)serializer.Decode(serializer.Encode(value, typeof(T), format), typeof(T))!;

    private sealed record Holder<T>(T Value);

    private sealed class Pile : Stack<int>, IEnumerable<int>
    {
        public void Add(int item) => Push(item);
    }

    private sealed class Cart(List<int> seed)
    {
        public List<int> Seed { get; } = seed;

        public List<int> FromConstructor { get; } = [.. seed];

        public List<int> Items { get; } = [0];

        public ICollection<string> Names { get; } = new HashSet<string>();

        public Dictionary<string, int> ByName { get; } = new(StringComparer.OrdinalIgnoreCase);

        public IList<int> Fixed { get; } = new[] { 1 };

        public List<int> Settable
        {
            get => field ?? Items;
            set;
        }

        public List<int> Computed => [.. Items];

        public string? Owner { get; set; }
    }

    private sealed class OnlyItems
    {
        public List<int> Items { get; } = [];
    }

    private sealed class Hidden
    {
        public int Open { get; set; }

        public int Count { get; private set; }
    }

    private sealed class Included
    {
        [System.Text.Json.Serialization.JsonInclude]
        public int Count { get; private set; }

        public static Included Of(int count) => new() { Count = count };
    }

    private sealed class ByConstructor(int count)
    {
        public int Count { get; private set; } = count;

        public int Other { get; set; }
    }

    private sealed record Computing(int Number)
    {
        public int Twice => Number * 2;

        public int Half { get; } = Number / 2;

        public ReadOnlyCollection<int> All => new([Number]);
    }

    private sealed class Basket : List<int>
    {
        public string? Owner { get; set; }
    }

    private sealed class Prices : Dictionary<string, int>
    {
        public string Owner { get; } = "me";
    }

    private sealed class Noted : Collection<int>
    {
        public string? Note = "n";
    }

    private sealed class Plain : List<int>
    {
        public int Total => this.Sum();

        public new int this[int index]
        {
            get => base[index];
            set => base[index] = value;
        }
    }

    private sealed class Counted : ICollection<string>
    {
        private readonly List<string> items = [];

        public int Count { get; private set; }

        public bool IsReadOnly { get; set; }

        public void Add(string item)
        {
            items.Add(item);
            Count++;
        }

        public void Clear() => items.Clear();

        public bool Contains(string item) => items.Contains(item);

        public void CopyTo(string[] array, int arrayIndex) => items.CopyTo(array, arrayIndex);

        public bool Remove(string item) => items.Remove(item);

        public IEnumerator<string> GetEnumerator() => items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
