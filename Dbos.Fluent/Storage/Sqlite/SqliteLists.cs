using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Lists as parameters: SQLite takes them as JSON arrays, read by <c>json_each</c>, so that a statement's text never depends on a count.
/// </summary>
internal static class SqliteLists
{
    public static string Of(IReadOnlyCollection<string> values) => Write(writer =>
    {
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }
    });

    /// <summary>Pairs as arrays of two: the workflow and the token.</summary>
    public static string Of(IReadOnlyCollection<Ownership> values) => Of(values, value => (value.WorkflowId, value.Token));

    /// <summary>Pairs as arrays of two.</summary>
    public static string Of<T>(IReadOnlyCollection<T> values, Func<T, (string First, string Second)> toPair) => Write(writer =>
    {
        foreach (var value in values)
        {
            var (first, second) = toPair(value);
            writer.WriteStartArray();
            writer.WriteStringValue(first);
            writer.WriteStringValue(second);
            writer.WriteEndArray();
        }
    });

    private static string Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            content(writer);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
