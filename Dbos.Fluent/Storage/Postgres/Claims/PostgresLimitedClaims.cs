using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Npgsql;
using static Dbos.Fluent.Storage.Postgres.PostgresParameters;

namespace Dbos.Fluent.Storage.Postgres;

/// <summary>Claims from queues with limits, several at once if they are for different queues.</summary>
internal sealed class PostgresLimitedClaims(PostgresDatabase database, PostgresInputs inputs) : IAsyncDisposable
{
    private const int Lanes = 2;
    private const int FirstOfRow = 3;
    private const int LeftOut = FirstOfRow + 18;
    private const int SeveralKinds = 1;

    // A line of several kinds, as while another version has work left, may be of one kind again.
    private const int LookAgainAfter = 100;

    private readonly LimitedClaimSql sql = new(database.Schema);
    private readonly ClaimSql claim = new(database.Schema);
    private readonly PostgresLanes lanes = new(database, Lanes);

    // Which statement a queue needed last, and since how many claims. One that has lost its partitions still gets the longest.
    private readonly ConcurrentDictionary<string, (int Form, int Claims)> forms = new(StringComparer.Ordinal);

    /// <summary>Takes what the queue allows. One round trip; one more, without any lock, where inputs are large.</summary>
    public async Task<LimitedAnswer> TakeAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        for (var form = FormOf(share.Queue); ; form++)
        {
            var answer = await TakeAsync(StatementOf(form), request, share, cancellationToken).ConfigureAwait(false);
            if (!answer.NeedsWider)
            {
                forms.AddOrUpdate(share.Queue, (form, 0), (_, before) => (form, before.Form == form ? before.Claims + 1 : 0));
                return answer;
            }
        }
    }

    /// <summary>Reads what an earlier call with the request's token took.</summary>
    // Waits for the lock: an earlier call that was given up may still be waiting for it, and takes its rows before this one looks.
    public async Task<List<ClaimRow>> ReadTakenAsync(ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        var rows = await lanes.BatchAsync(
            [
                Lock(share),
                PostgresDatabase.Command(claim.ReadClaimed, Text(request.Token), Text(request.ExecutorId)),
            ],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await PostgresDatabase.ReadAllAsync(reader, ClaimRow.ReadInline, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return await inputs.AddAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => lanes.DisposeAsync();

    private async Task<LimitedAnswer> TakeAsync(
        string statement, ClaimRequest request, QueueShare share, CancellationToken cancellationToken)
    {
        var answer = await lanes.BatchAsync(
            [Lock(share), .. NameStrays(statement, request, share), PostgresDatabase.Command(statement, Parameters(request, share))],
            async reader =>
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                return await ReadAsync(reader, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return answer with { Rows = await inputs.AddAsync(answer.Rows, cancellationToken).ConfigureAwait(false) };
    }

    private int FormOf(string queue) =>
        forms.TryGetValue(queue, out var last) && (last.Form != SeveralKinds || (last.Claims + 1) % LookAgainAfter != 0) ? last.Form : 0;

    private string StatementOf(int form) => form switch
    {
        0 => sql.ClaimLine,
        SeveralKinds => sql.ClaimKinds,
        _ => sql.Claim,
    };

    private NpgsqlBatchCommand Lock(QueueShare share) => PostgresDatabase.Command(sql.Lock, database.Now, Text(share.Queue));

    // A statement that returns no rows has no result to read.
    private NpgsqlBatchCommand[] NameStrays(string statement, ClaimRequest request, QueueShare share) =>
        statement == sql.Claim ? [PostgresDatabase.Command(sql.NameStrays, Parameters(request, share))] : [];

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

    private static async Task<LimitedAnswer> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var answer = new LimitedAnswer([], false, null, "");
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            answer = Add(answer, reader);
        }

        return answer;
    }

    // Each row carries the values that hold for all; if nothing was taken there is one row without a workflow.
    private static LimitedAnswer Add(LimitedAnswer answer, NpgsqlDataReader reader)
    {
        if (!reader.IsDBNull(FirstOfRow))
        {
            answer.Rows.Add(ClaimRow.Read(reader, FirstOfRow) with { LeftOutBytes = reader.NumberOrNull(LeftOut) });
        }

        return answer with
        {
            More = reader.GetBoolean(0),
            RetryAtMs = reader.NumberOrNull(1),
            LastPartition = reader.TextOrNull(2) ?? "",
            NeedsWider = reader.IsDBNull(2),
        };
    }
}

/// <summary>The answer of a claim of a limited queue, row by row in the order of their turns.</summary>
internal sealed record LimitedAnswer(List<ClaimRow> Rows, bool More, long? RetryAtMs, string LastPartition)
{
    /// <summary>
    /// True if nothing was taken because the queue turned out to have partitions, or several kinds of rows, which the statement does not
    /// look for.
    /// </summary>
    public bool NeedsWider { get; init; }
}
