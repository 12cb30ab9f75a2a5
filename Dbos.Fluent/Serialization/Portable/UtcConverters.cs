using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Serialization.Portable;

/// <summary>Times as RFC 3339 in UTC with <c>Z</c> and at least milliseconds. A time without a zone is read as UTC.</summary>
internal sealed class UtcDateTimeConverter : JsonConverter<DateTime>
{
    public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        UtcDateTimeOffsetConverter.Parse(ref reader).UtcDateTime;

    public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options) =>
        writer.WriteStringValue(UtcDateTimeOffsetConverter.Format(value.Kind == DateTimeKind.Local ? value.ToUniversalTime() : value));
}

/// <summary>The same for times with an offset: the point in time is kept, the offset is not.</summary>
internal sealed class UtcDateTimeOffsetConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Parse(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(Format(value.UtcDateTime));

    internal static DateTimeOffset Parse(ref Utf8JsonReader reader)
    {
        // The serializer's own parser is strict and takes any number of fraction digits, but it reads a missing zone as local time.
        if (reader.TryGetDateTime(out var moment))
        {
            return moment.Kind switch
            {
                DateTimeKind.Unspecified => new DateTimeOffset(moment, TimeSpan.Zero),
                DateTimeKind.Local when reader.TryGetDateTimeOffset(out var withOffset) => withOffset,
                _ => new DateTimeOffset(moment.ToUniversalTime()),
            };
        }

        var text = reader.GetString()!;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var other)
            && HasYear(text, other)
            ? other
            : throw new JsonException("the text is not a moment with a whole date, such as 2025-06-15T14:30:00.000Z");
    }

    // The parser completes a missing date with today's, so the same text would be another time tomorrow.
    private static bool HasYear(string text, DateTimeOffset moment) =>
        text.Contains(moment.Year.ToString("0000", CultureInfo.InvariantCulture), StringComparison.Ordinal);

    internal static string Format(DateTime moment) => moment.ToString(
        moment.Ticks % TimeSpan.TicksPerMillisecond == 0 ? "yyyy-MM-dd'T'HH:mm:ss.fff'Z'" : "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'",
        CultureInfo.InvariantCulture);
}
