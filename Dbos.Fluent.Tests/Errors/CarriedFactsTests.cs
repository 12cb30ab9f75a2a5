using System.Collections;
using Dbos.Fluent.Errors;

namespace Dbos.Fluent.Tests.Errors;

/// <summary>What of <see cref="Exception.Data"/> is recorded with a failure.</summary>
public sealed class CarriedFactsTests
{
    [Fact]
    public void Entries_are_the_data_and_the_one_called_code_is_the_code()
    {
        var failure = Failures.Record(new InvalidOperationException("no")
        {
            Data =
            {
                ["Code"] = 42, ["sku"] = "né\"ns", ["left"] = 0, ["price"] = 1.10m, ["ratio"] = 0.5,
                ["single"] = 0.1f, ["many"] = long.MaxValue, ["none"] = null,
                ["sure"] = true, ["day"] = new DateOnly(2025, 6, 15), ["kind"] = DayOfWeek.Friday,
            },
        });

        Assert.Equal(42L, failure.Code);
        Assert.Equal(
            """{"sku":"né\"ns","left":0,"price":"1.10","ratio":0.5,"single":0.1,"many":"9223372036854775807","""
            + "\"none\":null,\"sure\":true,\"day\":\"2025-06-15\",\"kind\":\"Friday\"}",
            failure.Data);
        Assert.Equal("E7", Failures.Record(new IOException { Data = { ["code"] = "E7" } }).Code);
    }

    [Fact]
    public void What_no_language_could_read_is_left_out()
    {
        var failure = Failures.Record(new InvalidOperationException("no")
        {
            Data = { [1] = "a", ["object"] = new object(), ["list"] = new[] { 1 }, ["nan"] = double.NaN, ["code"] = this },
        });

        Assert.Equal((null, """{"nan":"NaN"}"""), (failure.Code, failure.Data));
        Assert.Null(Failures.Record(new InvalidOperationException("no")).Data);
    }

    [Theory]
    [InlineData(1.5, "1.5")]
    [InlineData(true, "true")]
    [InlineData('a', "\"a\"")]
    public void A_code_that_is_no_number_and_no_word_is_data_as_any_other(object code, string stored)
    {
        var failure = Failures.Record(new InvalidOperationException("no") { Data = { ["code"] = code } });

        Assert.Equal((null, $$"""{"code":{{stored}}}"""), (failure.Code, failure.Data));
    }

    [Fact]
    public void An_exception_that_fails_to_tell_is_recorded_without() =>
        Assert.Null(Failures.Record(new Silent()).Data);

    private sealed class Silent : Exception
    {
        public override IDictionary Data => throw new NotSupportedException();
    }
}
