using Dbos.Fluent.Tests.Conformance;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>Random filters over random rows: what is listed, and in which order, and what is counted, is what the filter says.</summary>
public abstract class GeneratedListSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int RowCount = 400;
    private const int FilterCount = 250;

    private readonly Random random = Seeds.Next(out _);

    [Fact]
    public async Task Lists_and_counts_are_what_their_filters_say()
    {
        var rows = Enumerable.Range(0, RowCount).Select(number => ListedRow.Make(random, number)).ToList();
        var client = await LaunchAsync();
        await InsertAsync(rows);

        var wrong = new List<string>();
        for (var made = 0; made < FilterCount; made++)
        {
            var filter = Filter(rows);
            var meant = rows.Where(row => row.IsMeant(filter)).ToList();
            var listed = await client.ListAsync(filter, Cancel).Select(status => status.Id).ToListAsync(Cancel);
            var counted = await client.CountAsync(filter, (CountBy)(made % 4), Cancel);
            var expected = (string.Join(' ', Cut(meant, filter)), string.Join(' ', Counts(meant, (CountBy)(made % 4))));
            var actual = (string.Join(' ', listed), string.Join(' ', counted.Select(Told)));
            wrong.AddRange(expected == actual ? [] : [$"{filter}:\n  {expected}\n  {actual}"]);
        }

        Breaches.None(wrong.Take(5));
    }

    private static IEnumerable<string> Cut(List<ListedRow> meant, WorkflowFilter filter)
    {
        var isByCompletion = filter.CompletedAfter is not null || filter.CompletedBefore is not null;
        var ordered = meant.OrderBy(row => isByCompletion ? row.CompletedMs : row.CreatedMs).ThenBy(row => row.Id, StringComparer.Ordinal)
            .ToList();
        if (filter.NewestFirst)
        {
            ordered.Reverse();
        }

        return ordered.Skip(filter.Offset ?? 0).Take(filter.Limit ?? int.MaxValue).Select(row => row.Id);
    }

    private static IEnumerable<string> Counts(List<ListedRow> meant, CountBy by) => meant
        .GroupBy(row => row.Key(by) ?? "")
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => $"{group.Key}={group.Count()}/{group.Min(row => row.CreatedMs)}");

    private static string Told(WorkflowCount count) => $"{count.Key}={count.Count}/{count.Oldest!.Value.ToUnixTimeMilliseconds()}";

    // Each condition with one chance in so many that there is about one of the columns in each filter, and sometimes several.
    private WorkflowFilter Filter(List<ListedRow> rows)
    {
        var ended = random.Next(4) == 0;
        var queued = !ended && random.Next(6) == 0;
        var (created, completed) = (1_000 + random.Next(40), 2_000 + random.Next(40));
        return new WorkflowFilter
        {
            Ids = One(8) ? [.. random.GetItems(rows.ToArray(), random.Next(40)).Select(row => row.Id)] : null,
            IdPrefix = One(8) ? random.GetItems(["a", "A", "a%", "a_", "a1", "\u00e4", "z"], 1)[0] : null,
            States = One(4) ? States(ended, queued) : null,
            Name = One(6) ? Any("n", 3) : null,
            Queue = One(6) ? Any("q", 2) : null,
            QueuedOnly = queued,
            ExecutorId = One(10) ? Any("e", 2) : null,
            ApplicationVersion = One(6) ? Any("v", 2) : null,
            ParentId = One(10) ? Any("p", 2) : null,
            ForkedFrom = One(10) ? Any("f", 2) : null,
            ScheduleName = One(10) ? Any("s", 2) : null,
            PartitionKey = One(10) ? Any("k", 2) : null,
            DeduplicationId = One(12) ? $"d{random.Next(RowCount)}" : null,
            Attributes = One(10) ? new Dictionary<string, object?> { ["tenant"] = Any("t", 2) } : null,
            CreatedAfter = One(5) ? At(created) : null,
            CreatedBefore = One(5) ? At(created + 1 + random.Next(20)) : null,
            CompletedAfter = ended ? At(completed) : null,
            CompletedBefore = ended && One(2) ? At(completed + 1 + random.Next(20)) : null,
            NewestFirst = One(2),
            Limit = One(3) ? random.Next(RowCount) : null,
            Offset = One(4) ? random.Next(RowCount / 4) : null,
            LoadPayloads = One(2),
        };
    }

    private WorkflowState[] States(bool ended, bool queued)
    {
        var states = random.GetItems(Enum.GetValues<WorkflowState>(), random.Next(4));
        return states.Length == 0 ? [] : ended ? [.. states, WorkflowState.Success] : queued ? [.. states, WorkflowState.Delayed] : states;
    }

    private bool One(int inSo) => random.Next(inSo) == 0;

    private string Any(string letter, int count) => $"{letter}{random.Next(count)}";

    private static DateTimeOffset At(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    private async Task InsertAsync(List<ListedRow> rows)
    {
        await Database.ExecuteAsync(
            $"INSERT INTO workflow_status ({ListedRow.Columns}) VALUES " + string.Join(", ", rows.Select(row => $"({row.Values})")));
        await Database.ExecuteAsync(
            "UPDATE workflow_status SET application_name = 'elsewhere', serialization = 'dotnet_msgpack', priority = 0");
        await Database.ExecuteAsync(
            "INSERT INTO fluent_waits (workflow_uuid, sequence, part, kind, key, target, name, wake_at, token) VALUES "
            + string.Join(
                ", ", rows.Where(row => row.Parked).Select(row => $"('{row.Id}', 0, 0, 'time', '', '', '', 9000000000000, 't')")));
    }
}
