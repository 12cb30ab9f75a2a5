using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Execution;

/// <summary>Ids that ascend as they are made.</summary>
public sealed class AscendingIdsTests
{
    private const int Count = 50_000;

    [Fact]
    public void Ids_ascend_within_a_millisecond_and_beyond_the_count_of_one()
    {
        var ids = Enumerable.Range(0, Count).Select(_ => AscendingIds.Next()).ToList();

        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
        Assert.Equal(Count, ids.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Ids_of_many_threads_are_all_different_and_ascend_in_each()
    {
        var all = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8)
            .Select(_ => Enumerable.Range(0, Count / 8).Select(_ => AscendingIds.Next()).ToList())
            .ToList();

        Assert.All(all, ids => Assert.Equal(ids.Order(StringComparer.Ordinal), ids));
        Assert.Equal(Count / 8 * 8, all.SelectMany(ids => ids).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Id_is_of_version_7_with_the_time_of_its_making()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var id = Guid.Parse(AscendingIds.Next());

        Assert.Equal((7, 8), (id.Version, id.Variant & 0xC));
        var stamp = Convert.ToInt64(id.ToString("N")[..12], 16);
        Assert.InRange(stamp, before, before + 60_000);
    }
}
