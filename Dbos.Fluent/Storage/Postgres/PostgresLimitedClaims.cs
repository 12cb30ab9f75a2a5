using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Claims from queues with limits, several at once as long as they are of different queues.</summary>
internal sealed class PostgresLimitedClaims(PostgresDatabase database) : IAsyncDisposable
{
    private const int Lanes = 2;
    private const int FirstOfRow = 3;
    private const int LeftOut = FirstOfRow + 18;

    private readonly LimitedClaimSql sql = new(database.Schema);
    private readonly ClaimSql claim = new(database.Schema);
    private readonly PostgresLanes lanes = new(database, Lanes);

    // Queues that had partitions once. One that has lost them is served as before, by the longer statement.
    private readonly ConcurrentDictionary<string, bool> partitioned = new(StringComparer.Ordinal);

    /// <summary>Takes what the queue allows. One round trip; one more, without any lock, where inputs are large.</summary>
    public async Task<LimitedAnswer> TakeAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        if (!partitioned.ContainsKey(share.Queue))
        {
            var answer = await TakeAsync(sql.ClaimLine, request, share, cancellationToken).ConfigureAwait(false);
            if (!answer.HasPartitions)
            {
                return answer;
            }

            partitioned.TryAdd(share.Queue, true);
        }

        return await TakeAsync(sql.Claim, request, share, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What an earlier call with the request's token took.</summary>
    // Behind the lock: a call whose answer was given up may still be waiting for it, and takes its rows before this one looks.
    public Task<List<ClaimRow>> ReadTakenAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken) =>
        lanes.BatchAsync(
            [
                PostgresDatabase.Command(sql.Lock, Text(share.Queue)),
                PostgresDatabase.Command(claim.ReadClaimed, Text(request.Token), Text(request.ExecutorId)),
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await PostgresDatabase.ReadAllAsync(reader, ClaimRow.Read, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);

    public ValueTask DisposeAsync() => lanes.DisposeAsync();

    private async Task<LimitedAnswer> TakeAsync(
        string statement, ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        var without = new HashSet<string>();
        var answer = await lanes.BatchAsync(
            [PostgresDatabase.Command(sql.Lock, Text(share.Queue)), PostgresDatabase.Command(statement, Parameters(request, share))],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await ReadAsync(reader, without, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return without.Count == 0 ? answer : await WithInputsAsync(answer, without, cancellationToken).ConfigureAwait(false);
    }

    private NpgsqlParameter[] Parameters(ClaimRequest request, QueueShare share) =>
    [
        .. ClaimParameters.OfEnqueued(database, request),
        Text(share.Queue),
        Small(share.RunningHere),
        Json(ToObject(share.RunningByPartition)),
        Text(share.AfterPartition),
    ];

    private static string ToObject(IReadOnlyList<KeyValuePair<string, int>> numbers)
    {
        var written = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartObject();
            foreach (var (name, number) in numbers)
            {
                json.WriteNumber(name, number);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(written.WrittenSpan);
    }

    private static async Task<LimitedAnswer> ReadAsync(
        NpgsqlDataReader reader, HashSet<string> without, CancellationToken cancellationToken)
    {
        var answer = new LimitedAnswer([], false, null, "");
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            answer = Add(answer, reader, without);
        }

        return answer;
    }

    // Each row says what holds for all; where nothing was taken there is one without a workflow.
    private static LimitedAnswer Add(LimitedAnswer answer, NpgsqlDataReader reader, HashSet<string> without)
    {
        if (!reader.IsDBNull(FirstOfRow))
        {
            var row = ClaimRow.Read(reader, FirstOfRow);
            answer.Rows.Add(row);
            if (reader.GetBoolean(LeftOut))
            {
                without.Add(row.Id);
            }
        }

        return answer with
        {
            More = reader.GetBoolean(0),
            RetryAtMs = reader.NumberOrNull(1),
            LastPartition = reader.TextOrNull(2) ?? "",
            HasPartitions = reader.IsDBNull(2),
        };
    }

    // One that is gone by now was deleted, and is nobody's to run.
    private async Task<LimitedAnswer> WithInputsAsync(LimitedAnswer answer, HashSet<string> without, CancellationToken cancellationToken)
    {
        var read = await database.QueryAsync(
            sql.ReadInputs, [Texts([.. without])], row => KeyValuePair.Create(row.GetString(0), row.TextOrNull(1)), cancellationToken)
            .ConfigureAwait(false);
        var inputs = new Dictionary<string, string?>(read);
        var rows = answer.Rows.FindAll(row => !without.Contains(row.Id) || inputs.ContainsKey(row.Id));
        return answer with
        {
            Rows = rows.ConvertAll(row => without.Contains(row.Id)
                ? row with { Workflow = row.Workflow! with { Input = row.Workflow.Input with { Text = inputs[row.Id] } } }
                : row),
        };
    }
}

/// <summary>What a claim of a limited queue answers, row by row in the order of their turns.</summary>
internal sealed record LimitedAnswer(List<ClaimRow> Rows, bool More, long? RetryAtMs, string LastPartition)
{
    /// <summary>Nothing was taken, as the queue turned out to have partitions.</summary>
    public bool HasPartitions { get; init; }
}
