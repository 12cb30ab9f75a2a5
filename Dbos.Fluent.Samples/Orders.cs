using System.Text.Json;

namespace Dbos.Fluent.Samples;

/// <summary>An order in the orders file.</summary>
public sealed record Order(string Id, string Email, decimal Total, IReadOnlyList<OrderItem> Items);

/// <summary>One line of an order.</summary>
public sealed record OrderItem(string Sku, int Quantity);

/// <summary>The result of a finished checkout.</summary>
public sealed record Receipt(string OrderId, string ChargeId, IReadOnlyList<string> Parcels);

/// <summary>The orders file that ships with the sample.</summary>
internal static class Orders
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static async Task<IReadOnlyList<Order>> ReadAsync()
    {
        await using var file = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "orders.json"));
        return await JsonSerializer.DeserializeAsync<List<Order>>(file, Json) ?? [];
    }
}
