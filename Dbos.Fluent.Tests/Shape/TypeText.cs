using System.Reflection;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>Writes types as C# does, with the question marks of nullable references.</summary>
internal static class TypeText
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(byte)] = "byte",
    };

    public static string Of(ParameterInfo parameter) => Name(Context().Create(parameter), parameter.ParameterType);

    public static string Of(PropertyInfo property) => Name(Context().Create(property), property.PropertyType);

    public static string Of(FieldInfo field) => Name(Context().Create(field), field.FieldType);

    public static string Name(Type type) => Name(null, type);

    private static NullabilityInfoContext Context() => new();

    private static string Name(NullabilityInfo? nullability, Type type)
    {
        if (type.IsByRef)
        {
            return Name(nullability, type.GetElementType()!);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(null, underlying) + "?";
        }

        var text = type.IsArray
            ? Name(nullability?.ElementType, type.GetElementType()!) + "[]"
            : Keywords.TryGetValue(type, out var keyword) ? keyword : Generic(nullability, type);

        // Of a type parameter without constraints, reflection cannot tell T from T?.
        return !type.IsValueType && !type.IsGenericParameter && nullability?.ReadState == NullabilityState.Nullable ? text + "?" : text;
    }

    private static string Generic(NullabilityInfo? nullability, Type type)
    {
        var name = type.IsNested && !type.IsGenericParameter ? Name(type.DeclaringType!) + "." + type.Name : type.Name;
        if (!type.IsGenericType)
        {
            return name;
        }

        // By-ref parameters give no arguments of their own; then the types alone are written.
        var arguments = type.GetGenericArguments();
        var nullabilities = nullability?.GenericTypeArguments ?? [];
        var written = arguments.Select((argument, index) => Name(index < nullabilities.Length ? nullabilities[index] : null, argument));
        return $"{name.Split('`')[0]}<{string.Join(", ", written)}>";
    }
}
