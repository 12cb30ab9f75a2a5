using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

/// <summary>The user's options and contexts are honoured, and nothing of a value is dropped without a word.</summary>
public sealed partial class ContractTests
{
    private readonly PayloadSerializer serializer = new();

    [Theory]
    [InlineData(PayloadFormat.MessagePack)]
    [InlineData(PayloadFormat.PortableJson)]
    public void An_undeclared_derived_type_is_refused(PayloadFormat format)
    {
        var refused = Assert.Throws<SerializationFailedException>(() => serializer.Encode(new Truck("A-1", 7), typeof(Vehicle), format));

        Assert.Contains("[JsonDerivedType]", refused.Message);
        Assert.Contains(typeof(Truck).FullName!, refused.Message);
        Assert.Equal(typeof(Vehicle).FullName, refused.TypeName);
        Assert.Equal("DBOS1005", refused.Code);
        List<Vehicle> list = [new Truck("A-1", 7)];
        Assert.Throws<SerializationFailedException>(() => serializer.Encode(list, typeof(List<Vehicle>), format));
        Assert.NotNull(serializer.Encode(new Truck("A-1", 7), typeof(Truck), format).Text);
        Assert.NotNull(serializer.Encode(new Vehicle("A-1"), typeof(Vehicle), format).Text);
    }

    [Fact]
    public void A_type_of_which_nothing_could_be_read_back_is_refused()
    {
        var refused = Assert.Throws<SerializationFailedException>(() => Encode(new Complex(1, 2)));

        Assert.Contains("nothing of System.Numerics.Complex could be read back", refused.Message);
        Assert.Throws<SerializationFailedException>(() => Encode(new Unreadable(1)));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        // Not a theory: attributes are stored as UTF-8 and would hold U+FFFD instead.
        foreach (var text in new[] { "\ud800", "a\udc00b", "😀\ud83d", "\udc00\ud800" })
        {
            var refused = Assert.Throws<SerializationFailedException>(() => Encode(text));

            Assert.Contains("half a surrogate pair", refused.Message);
            Assert.Throws<SerializationFailedException>(() => Encode(new Dictionary<string, int> { [text] = 1 }));
            Assert.Throws<SerializationFailedException>(() => Encode(text.ToCharArray()));
            Assert.Throws<SerializationFailedException>(() => serializer.Encode(text, typeof(string), PayloadFormat.PortableJson));
        }
    }

    [Fact]
    public void Raw_text_that_is_not_unicode_is_refused()
    {
        using var half = JsonDocument.Parse("""{"a":"\ud800"}""");

        Assert.Throws<SerializationFailedException>(() => Encode(half.RootElement));
    }

    [Fact]
    public void A_type_without_a_contract_is_refused_with_the_remedy()
    {
        var refused = Assert.Throws<SerializationFailedException>(() => Encode(typeof(string)));

        Assert.Contains("JsonOptions", refused.Message);
        Assert.NotNull(refused.InnerException);
    }

    [Fact]
    public void An_exception_of_the_users_own_code_is_wrapped()
    {
        var refused = Assert.Throws<SerializationFailedException>(() => Encode(new Throwing()));

        Assert.IsType<InvalidTimeZoneException>(refused.InnerException);
        Assert.Throws<SerializationFailedException>(
            () => serializer.Decode(new Payload("""{"Number":-1}""", "portable_json"), typeof(Picky)));
    }

    [Fact]
    public void The_users_options_are_used_and_not_changed()
    {
        var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };
        options.Converters.Add(new MoneyAsText());
        var own = new PayloadSerializer(options);

        var value = new { FullPrice = new Money(1.10m, "EUR") };

        var payload = own.Encode(value, value.GetType(), PayloadFormat.MessagePack);

        Assert.Equal("""{"full_price":"1.10 EUR"}""", own.ToReadableJson(payload));
        Assert.False(options.IsReadOnly);
        Assert.Null(options.TypeInfoResolver);
        Assert.Single(options.Converters);
        Assert.Same(options, own.Options);
    }

    [Fact]
    public void Later_changes_of_the_options_have_no_effect()
    {
        var options = new JsonSerializerOptions();
        var own = new PayloadSerializer(options);
        options.Converters.Add(new MoneyAsText());

        var payload = own.Encode(new Money(1m, "EUR"), typeof(Money), PayloadFormat.MessagePack);

        Assert.Equal("""{"Amount":1,"Currency":"EUR"}""", own.ToReadableJson(payload));
    }

    [Theory]
    [InlineData(PayloadFormat.MessagePack)]
    [InlineData(PayloadFormat.PortableJson)]
    public void Numbers_that_the_options_write_as_texts_are_read_as_such(PayloadFormat format)
    {
        var own = new PayloadSerializer(new JsonSerializerOptions { NumberHandling = JsonNumberHandling.WriteAsString });

        var stored = own.Encode(new Line("a", 1, 2.50m), typeof(Line), format);

        Assert.Contains("\"Quantity\":\"1\"", own.ToReadableJson(stored));
        Assert.Equal(new Line("a", 1, 2.50m), own.Decode(stored, typeof(Line)));
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode("1"), typeof(int)));
    }

    [Fact]
    public void A_generated_context_is_enough_and_need_not_list_plain_types()
    {
        var own = new PayloadSerializer(new JsonSerializerOptions { TypeInfoResolver = Context.Default });

        Assert.Equal(new Line("a", 1, 2.50m), RoundTrip(own, new Line("a", 1, 2.50m)));
        Assert.Equal((1, new Line("b", 2, 3m)), RoundTrip(own, (1, new Line("b", 2, 3m))));
        Assert.Equal(default, RoundTrip(own, default(Unit)));
        Assert.Equal(5, RoundTrip(own, 5));
        Assert.Equal(BigInteger.Pow(10, 40), RoundTrip(own, BigInteger.Pow(10, 40)));
        Assert.Equal("E", RoundTrip(own, new RecordedFailure("E", "m")).TypeName);
        var missing = Assert.Throws<SerializationFailedException>(
            () => own.Encode(new Money(1m, ""), typeof(Money), PayloadFormat.MessagePack));
        Assert.Contains("source-generated context", missing.Message);
    }

    [Fact]
    public void The_options_of_a_generated_context_can_be_given_as_they_are()
    {
        var own = new PayloadSerializer(Context.Default.Options);

        Assert.Equal(new Line("a", 1, 2.50m), RoundTrip(own, new Line("a", 1, 2.50m)));
    }

    [Fact]
    public void Members_that_came_and_went_do_not_stop_a_stored_value()
    {
        var old = Encode(new { Sku = "a", Gone = new[] { 1 } });

        Assert.Equal(new Line("a", 0, 0m), serializer.Decode(old, typeof(Line)));
    }

    [Fact]
    public void Another_type_than_the_stored_one_is_an_error_that_names_it()
    {
        var failed = Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode("text"), typeof(int)));

        Assert.Equal("System.Int32", failed.TypeName);
        Assert.Contains("dotnet_msgpack", failed.Message);
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode(new { Id = "x" }), typeof(WithRequired)));
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode(new[] { 1 }), typeof((int, int))));
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode(new[] { 1, 2, 3 }), typeof((int, int))));
        Assert.Throws<SerializationFailedException>(() => serializer.Decode(Encode(1), typeof((int, int))));
    }

    private static T RoundTrip<T>(PayloadSerializer own, T value) =>
        (T)own.Decode(own.Encode(value, typeof(T), PayloadFormat.MessagePack), typeof(T))!;

    private Payload Encode(object value) => serializer.Encode(value, value.GetType(), PayloadFormat.MessagePack);

    private sealed class Throwing
    {
        public string Text
        {
            get => throw new InvalidTimeZoneException();
            set => _ = value;
        }
    }

    private sealed class Picky
    {
        public int Number
        {
            get;
            set => field = value >= 0 ? value : throw new InvalidTimeZoneException();
        }
    }

    private sealed class MoneyAsText : JsonConverter<Money>
    {
        public override Money Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) =>
            writer.WriteStringValue($"{value.Amount} {value.Currency}");
    }

    [JsonSerializable(typeof(Line))]
    [JsonSerializable(typeof((int, Line)))]
    internal sealed partial class Context : JsonSerializerContext;
}
