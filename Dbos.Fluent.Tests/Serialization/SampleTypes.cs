using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Dbos.Fluent.Tests.Serialization;

public enum Colour
{
    Red,
    Green = 7,
}

[Flags]
public enum Rights : long
{
    None = 0,
    Read = 1,
    Write = 2,
    Admin = 1L << 62,
}

[JsonDerivedType(typeof(Circle), "circle")]
[JsonDerivedType(typeof(Square), "square")]
public abstract record Shape(string Name);

public sealed record Circle(string Name, double Radius) : Shape(Name);

public sealed record Square(string Name, decimal Side) : Shape(Name);

[JsonDerivedType(typeof(Dog), "dog")]
public interface IAnimal
{
    string Name { get; }
}

public sealed record Dog(string Name, int Age) : IAnimal;

public record Vehicle(string Plate);

public sealed record Truck(string Plate, int Tons) : Vehicle(Plate);

public sealed record Line(string Sku, int Quantity, decimal Price);

public sealed record Order(string Id, DateTimeOffset At, ImmutableArray<Line> Lines, Colour? Colour = null, string? Note = null);

public sealed record Page<T>(T[] Items, Dictionary<string, List<T>> ByKey, T? Best);

public sealed class WithRequired
{
    public required string Id { get; init; }

    public required int Count { get; init; }

    public List<string>? Tags { get; set; }
}

public sealed class WithFields
{
    public int Number;
    public string? Text;
}

public readonly record struct Money(decimal Amount, string Currency);

public sealed class Unreadable(int seed)
{
    public int Doubled { get; } = seed * 2;
}

public sealed class Node
{
    public Node? Next { get; set; }
}

