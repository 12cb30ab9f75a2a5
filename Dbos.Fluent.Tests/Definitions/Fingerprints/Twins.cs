using Microsoft.Extensions.Logging;

#pragma warning disable CA1848, CA2254 // The twins log as a user may.

namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

/// <summary>The first of two workflows of the same text.</summary>
internal sealed class FirstTwin
{
    public async IAsyncEnumerable<StepOr<int>> Run(Order order, WorkflowContext workflow)
    {
        int[] weights = [3, 1, 4, 1, 5, 9, 2, 6];
        var total = 0;
        try
        {
            foreach (var item in order.Items)
            {
                yield return Step.Run("charge " + item, async s =>
                {
                    var amount = await Elsewhere.ChargeAsync(order.Amount + weights[0]);
                    return item switch { "a" => 1, "b" => 2, "c" => 3, "d" => 4, "e" => 5, "f" => 6, "g" => amount, _ => Twice(8) };
                }).Retry(attempts: 4, retryIf: error => error is TimeoutException).As(out var charge);
                total += charge.Result;
            }
        }
        finally
        {
            workflow.Logger.LogDebug("{Total}", new { total, order.Id }.total);
        }

        var sorted = order.Items.Select((item, index) => new { item, index }).Where(pair => pair.index < total).ToList();
        yield return Step.All(sorted.Select(pair => Step.Run("pack", _ => Task.FromResult(pair.item + total)))).As(out var packed);
        await foreach (var step in Parts(packed.Result))
        {
            yield return step;
        }

        yield return total;

        static int Twice(int value) => value * 2;

        async IAsyncEnumerable<Step> Parts(IReadOnlyList<string> parcels)
        {
            await Task.Yield();
            foreach (var parcel in parcels)
            {
                yield return Step.Run("send", _ => Generic(parcel)).Try(out _);
            }
        }

        Task<T> Generic<T>(T value) => Task.FromResult(value);
    }

    public static WorkflowDefinition<Order, int> Build()
    {
        var limit = 7;
        return Workflow.Define<Order, int>("w")
            .Step("charge", async x =>
            {
                await Task.Yield();
                return await Elsewhere.ChargeAsync(x.Input.Amount + limit);
            }).Retry(retryIf: error => error is TimeoutException).As(out var charge)
            .If(x => x.Get(charge) > limit, yes => yes
                .ForEach(x => x.Input.Items.Where(item => item.Length > limit), "pack", (item, x) => Task.FromResult(item + limit))
                .While(x => x.Get(charge) < 3, body => body.Then(x => Elsewhere.Charging(x.Get(charge)))))
            .Return(x => x.Get(charge) * 2);
    }
}

/// <summary>The second one: what stands before it in the class gives everything the compiler makes for it another ordinal.</summary>
internal sealed class SecondTwin
{
    public static Func<int, int> Add(int to) => value => value + to;

    public static IEnumerable<int> Count()
    {
        yield return 1;
        var anonymous = new { Other = 1, Members = 2 };
        Func<int> other = () => anonymous.Other + Add(3)(anonymous.Members);
        yield return other();
        yield return Local(2);

        static int Local(int value) => value + 1;
    }

    public async IAsyncEnumerable<StepOr<int>> RunAnother(Order order, WorkflowContext workflow)
    {
        int[] weights = [3, 1, 4, 1, 5, 9, 2, 6];
        var total = 0;
        try
        {
            foreach (var item in order.Items)
            {
                yield return Step.Run("charge " + item, async s =>
                {
                    var amount = await Elsewhere.ChargeAsync(order.Amount + weights[0]);
                    return item switch { "a" => 1, "b" => 2, "c" => 3, "d" => 4, "e" => 5, "f" => 6, "g" => amount, _ => Twice(8) };
                }).Retry(attempts: 4, retryIf: error => error is TimeoutException).As(out var charge);
                total += charge.Result;
            }
        }
        finally
        {
            workflow.Logger.LogDebug("{Total}", new { total, order.Id }.total);
        }

        var sorted = order.Items.Select((item, index) => new { item, index }).Where(pair => pair.index < total).ToList();
        yield return Step.All(sorted.Select(pair => Step.Run("pack", _ => Task.FromResult(pair.item + total)))).As(out var packed);
        await foreach (var step in Parts(packed.Result))
        {
            yield return step;
        }

        yield return total;

        static int Twice(int value) => value * 2;

        async IAsyncEnumerable<Step> Parts(IReadOnlyList<string> parcels)
        {
            await Task.Yield();
            foreach (var parcel in parcels)
            {
                yield return Step.Run("send", _ => Generic(parcel)).Try(out _);
            }
        }

        Task<T> Generic<T>(T value) => Task.FromResult(value);
    }

    public static WorkflowDefinition<Order, int> BuildAnother()
    {
        var limit = 7;
        return Workflow.Define<Order, int>("w")
            .Step("charge", async x =>
            {
                await Task.Yield();
                return await Elsewhere.ChargeAsync(x.Input.Amount + limit);
            }).Retry(retryIf: error => error is TimeoutException).As(out var charge)
            .If(x => x.Get(charge) > limit, yes => yes
                .ForEach(x => x.Input.Items.Where(item => item.Length > limit), "pack", (item, x) => Task.FromResult(item + limit))
                .While(x => x.Get(charge) < 3, body => body.Then(x => Elsewhere.Charging(x.Get(charge)))))
            .Return(x => x.Get(charge) * 2);
    }
}
