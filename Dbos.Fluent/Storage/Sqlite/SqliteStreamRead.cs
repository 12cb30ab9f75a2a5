using System.Text;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>
/// Reads positions in streams, each in a statement of its own, which stops where the values become too large to be read together.
/// </summary>
internal sealed class SqliteStreamRead(SqliteSession session, int limit, long bytesMax)
{
    public List<StreamChunk> Read(IReadOnlyList<StreamPosition> positions) =>
        [.. positions.Select(Read).Where(chunk => chunk.Values.Count > 0 || chunk.Ended || !chunk.Exists)];

    // Values and writer are read in one statement, so a writer is never seen to have ended before its values.
    private StreamChunk Read(StreamPosition position)
    {
        using var statement = session.Use(MessagingSql.ReadStream)
            .Bind("@workflow_uuid", position.WorkflowId)
            .Bind("@key", position.Key)
            .Bind("@first", position.Offset)
            .Bind("@limit", limit);
        if (!statement.Step())
        {
            return new StreamChunk(position, [], Ended: false, Exists: false);
        }

        var ended = statement.Truth(0) || StreamMarker.IsClosed(statement.TextOrNull(3));
        var values = new List<Payload>();
        var bytes = 0L;
        do
        {
            if (statement.TextOrNull(1) is not { } value)
            {
                break;
            }

            if (StreamMarker.IsClosed(value))
            {
                ended = true;
                break;
            }

            bytes += Encoding.UTF8.GetByteCount(value);
            if (values.Count == limit || (values.Count > 0 && bytes > bytesMax))
            {
                // This value was read only to see that something follows.
                ended = false;
                break;
            }

            values.Add(new Payload(value, statement.TextOrNull(2)));
        }
        while (statement.Step());

        return new StreamChunk(position, values, ended, Exists: true);
    }
}
