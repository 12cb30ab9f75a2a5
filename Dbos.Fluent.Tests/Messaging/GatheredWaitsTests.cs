using Dbos.Fluent.Messaging;
using Dbos.Fluent.Storage;
using Dbos.Fluent.Tests.Worker.Faults;

namespace Dbos.Fluent.Tests.Messaging;

/// <summary>Waits that gather, apart from any store: the moments that no scenario can hit on purpose.</summary>
public sealed class GatheredWaitsTests : IDisposable
{
    private readonly CancellationTokenSource stopped = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => stopped.Dispose();

    [Fact]
    public async Task A_look_at_what_was_told_before_it_is_over_at_once_although_no_query_is_made()
    {
        var waits = Waits((_, _) => throw new InvalidOperationException("Nothing was to be looked up."));
        using var told = waits.Register("a");
        waits.Complete("a", 7);

        await waits.LookOnceAsync("a").Within(Bounded.Limit);
        await waits.LookFirstAsync("a").Within(Bounded.Limit);

        Assert.Equal(7, await told.Found);
        Assert.Equal(0, waits.Count);
    }

    [Fact]
    public async Task An_answer_asked_for_before_somebody_registered_is_not_for_them()
    {
        var asked = new Probe();
        var queries = 0;
        var waits = Waits(async (keys, token) =>
        {
            var number = Interlocked.Increment(ref queries);
            await asked.PassAsync(token);
            return [.. keys.Select(key => KeyValuePair.Create(key, number))];
        });
        using var early = waits.Register("a");
        var first = waits.LookOnceAsync("a");
        await asked.ReachedAsync();
        using var late = waits.Register("a");
        var second = waits.LookOnceAsync("a");
        asked.Open();
        await Task.WhenAll(first, second).Within(Bounded.Limit);

        Assert.Equal((1, 2), (await early.Found, await late.Found));
    }

    [Fact]
    public async Task A_failed_look_is_told_to_whoever_waits_and_later_waits_look_anew()
    {
        var fails = true;
        var waits = Waits((keys, _) => fails
            ? throw new InvalidOperationException("broken")
            : Task.FromResult<IReadOnlyList<KeyValuePair<string, int>>>([.. keys.Select(key => KeyValuePair.Create(key, 1))]));

        await Assert.ThrowsAsync<InvalidOperationException>(() => waits.WaitAsync("a", Cancel).Within(Bounded.Limit));
        fails = false;

        Assert.Equal(1, await waits.WaitAsync("a", Cancel).Within(Bounded.Limit));
    }

    [Fact]
    public async Task What_cannot_be_read_of_one_is_nothing_to_those_who_wait_for_others()
    {
        var waits = Waits((keys, _) => keys.Contains("bad")
            ? throw new InvalidOperationException("broken")
            : Task.FromResult<IReadOnlyList<KeyValuePair<string, int>>>([.. keys.Select(key => KeyValuePair.Create(key, 1))]));
        using var good = waits.Register("good");
        using var bad = waits.Register("bad");

        waits.LookAtAll();

        Assert.Equal(1, await good.Found.Within(Bounded.Limit));
        await Assert.ThrowsAsync<InvalidOperationException>(() => bad.Found.Within(Bounded.Limit));
    }

    [Fact]
    public async Task A_query_that_is_not_answered_in_time_is_made_in_parts_and_the_next_ones_are_as_small()
    {
        var sizes = new List<int>();
        var waits = Waits((keys, _) =>
        {
            sizes.Add(keys.Count);
            return keys.Count > 3 ? throw CallFaults.TimedOut() : Task.FromResult(Found(keys));
        });
        var all = Enumerable.Range(0, 8).Select(number => waits.Register($"{number}")).ToArray();

        waits.LookAtAll();
        await Task.WhenAll(all.Select(wait => wait.Found)).Within(Bounded.Limit);

        Assert.Equal([8, 4, 2, 2, 4, 2, 2], sizes);
    }

    [Fact]
    public async Task One_that_is_never_read_in_time_holds_up_no_other_and_is_asked_for_again()
    {
        var late = true;
        var waits = Waits((keys, _) =>
            Volatile.Read(ref late) && keys.Contains("late") ? throw CallFaults.TimedOut() : Task.FromResult(Found(keys)));
        using var slow = waits.Register("late");
        waits.LookAt("late");
        using var quick = waits.Register("quick");

        await waits.LookOnceAsync("quick").Within(Bounded.Limit);

        Assert.Equal(1, await quick.Found.Within(Bounded.Limit));
        Assert.False(slow.Found.IsCompleted);
        Volatile.Write(ref late, false);
        Assert.Equal(1, await slow.Found.Within(Bounded.Limit));
    }

    [Fact]
    public async Task A_look_is_over_when_it_is_answered_or_nobody_waits_any_more()
    {
        var (late, tries, again) = (true, 0, new TaskCompletionSource());
        var waits = Waits((keys, _) =>
        {
            if (!Volatile.Read(ref late))
            {
                return Task.FromResult<IReadOnlyList<KeyValuePair<string, int>>>([]);
            }

            if (keys is ["a"] && ++tries > StoreBackoff.TimeoutsMax)
            {
                again.TrySetResult();
            }

            throw CallFaults.TimedOut();
        });
        using var waiting = waits.Register("a");
        var given = waits.Register("b");
        var (answered, withdrawn) = (waits.LookOnceAsync("a"), waits.LookOnceAsync("b"));
        given.Dispose();

        await withdrawn.Within(Bounded.Limit);
        await again.Task.Within(Bounded.Limit);
        Assert.False(answered.IsCompleted);

        Volatile.Write(ref late, false);
        await answered.Within(Bounded.Limit);
        Assert.False(waiting.Found.IsCompleted);
    }

    [Fact]
    public async Task What_was_found_before_somebody_registered_is_not_for_them()
    {
        var waits = Waits((keys, _) => Task.FromResult(Found(keys)));
        using var early = waits.Register("a");
        var mark = waits.Registered;
        using var late = waits.Register("a");

        waits.Complete("a", 7, mark);

        Assert.Equal((7, 1), (await early.Found.Within(Bounded.Limit), await late.Found.Within(Bounded.Limit)));
    }

    // More is asked than can be looked at: what was asked about first is not asked again before the last.
    [Fact]
    public async Task Each_of_very_many_has_its_turn()
    {
        const int keyCount = 3000;
        GatheredWaits<string, int> waits = null!;
        var (seen, all) = (new HashSet<string>(), new TaskCompletionSource());
        waits = Waits((keys, _) =>
        {
            seen.UnionWith(keys);
            if (seen.Count == keyCount)
            {
                all.TrySetResult();
            }
            else
            {
                waits.LookAtAll();
            }

            return Task.FromResult<IReadOnlyList<KeyValuePair<string, int>>>([]);
        });
        foreach (var number in Enumerable.Range(0, keyCount))
        {
            waits.Register($"{number}");
        }

        waits.LookAtAll();

        await all.Task.Within(Bounded.Limit);
    }

    [Fact]
    public async Task Whoever_waits_or_comes_later_is_told_that_it_is_over()
    {
        var waits = Waits((_, _) => Task.FromResult<IReadOnlyList<KeyValuePair<string, int>>>([]));
        using var waiting = waits.Register("a");
        await stopped.CancelAsync();
        using var late = waits.Register("a");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Found.Within(Bounded.Limit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => late.Found.Within(Bounded.Limit));
    }

    private static IReadOnlyList<KeyValuePair<string, int>> Found(IEnumerable<string> keys) =>
        [.. keys.Select(key => KeyValuePair.Create(key, 1))];

    private GatheredWaits<string, int> Waits(
        Func<IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<KeyValuePair<string, int>>>> read) =>
        new(read, key => [key], stopped.Token);
}
